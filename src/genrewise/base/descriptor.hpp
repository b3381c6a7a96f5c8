// What a thing that is chosen by name (a classifier, a network) declares of its parameters. Help, listings, checks,
// default searches and documentation come from these declarations.
//
//     const std::vector<ParameterDescriptor> declared = {
//         parameter::number("C", "1.0", above(0), "inverse strength of the penalty").searched("log:-4:1:11"),
//         parameter::choice("kernel", "rbf", {"linear", "rbf"}, "kernel function")};
//     const ParameterValues values("svm", declared, {{"C", "10"}});  // throws Error for what is not declared
//     values.number("C");                                            // 10
#pragma once

#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Parameters by name, as text: {"n_neighbors", "21"}, {"gamma", "scale"}.
using Parameters = std::map<std::string, std::string, std::less<>>;
/// "C=10, kernel=poly".
std::string to_string(const Parameters& parameters);

enum class ParameterType { boolean, integer, number, choice, text, integers };
/// "boolean", "integer", ...; integers: "list of integers".
std::string_view to_string(ParameterType type);

/// Allowed numbers.
struct Range {
  double least = std::numeric_limits<double>::lowest(), most = std::numeric_limits<double>::max();
  bool least_open = false, most_open = false;  ///< whether the bound itself is excluded

  bool contains(double value) const;
  bool has_least() const { return least > std::numeric_limits<double>::lowest(); }
  bool has_most() const { return most < std::numeric_limits<double>::max(); }
};
constexpr Range any_number() {
  return {};
}
constexpr Range at_least(double least) {
  return {.least = least};
}
constexpr Range above(double least) {
  return {.least = least, .least_open = true};
}
constexpr Range between(double least, double most) {
  return {.least = least, .most = most};
}

/// Which values make a model simpler, for the one-standard-error rule of a search.
enum class Simpler { named_first, smaller, larger };
std::string_view to_string(Simpler simpler);

struct ParameterDescriptor {
  std::string name;  ///< scikit-learn's or XGBoost's where they have the parameter
  ParameterType type = ParameterType::text;
  std::string standard;            ///< the default, as text
  std::string help;                ///< one line
  Range range = {};                ///< of numbers and of a list's items
  std::vector<std::string> words;  ///< a choice's values; for numbers and lists: words that may stand instead
  std::string alias = {};          ///< another name that people may write ("k" for n_neighbors)
  std::string candidates = {};     ///< values worth trying, in the grammar of models/model_spec.hpp; may be empty
  Simpler simpler = Simpler::named_first;

  ParameterDescriptor searched(std::string values, Simpler direction = Simpler::named_first) const;
  ParameterDescriptor simpler_when(Simpler direction) const;
  ParameterDescriptor or_word(std::vector<std::string> allowed) const;
  ParameterDescriptor also_called(std::string other) const;
  ParameterDescriptor with_default(std::string value) const;
};

namespace parameter {
ParameterDescriptor boolean(std::string name, std::string standard, std::string help);
ParameterDescriptor integer(std::string name, std::string standard, Range range, std::string help);
ParameterDescriptor number(std::string name, std::string standard, Range range, std::string help);
ParameterDescriptor choice(std::string name, std::string standard, std::vector<std::string> values, std::string help);
ParameterDescriptor text(std::string name, std::string standard, std::string help);
/// A list of integers, each in the range.
ParameterDescriptor integers(std::string name, std::string standard, Range range, std::string help);
}  // namespace parameter

/// Whether the value is one that the parameter may have.
bool allows(const ParameterDescriptor& parameter, std::string_view value);
/// What it may be, as in "give a number above 0": "a number above 0", "one of linear, poly", "true or false".
std::string allowed_text(const ParameterDescriptor& parameter);

/// The parameter of that name or alias; null where there is none.
const ParameterDescriptor* find_parameter(std::span<const ParameterDescriptor> parameters, std::string_view name);

/// The whole numbers of "100", "100,50" or "(100, 50)"; false where it is no such list.
bool parse_integers(std::string_view text, std::vector<long long>& values);

/// Checked values of all declared parameters: the defaults, with the given values in their place. A reader of a name
/// that was not declared, or not with that type, is a fault of the program and throws std::logic_error.
class ParameterValues {
 public:
  /// `owner` stands in errors. Throws Error for a name that is not declared (listing those that are) and for a value
  /// that is not allowed (saying what is). With `dotted`, names with a dot are kept unchecked: they belong to members.
  ParameterValues(std::string_view owner, std::span<const ParameterDescriptor> declared, const Parameters& given,
                  bool dotted = false);

  const Parameters& all() const { return all_; }
  const std::string& text(std::string_view name) const;
  bool is(std::string_view name, std::string_view value) const { return text(name) == value; }
  bool flag(std::string_view name) const;
  double number(std::string_view name) const;
  long long integer(std::string_view name) const;
  std::vector<int> integers(std::string_view name) const;

 private:
  Parameters all_;
};

}  // namespace genrewise
