/// @file
/// Parameter declarations of everything that is chosen by name (classifiers, networks, feature sets). Help, listings,
/// validation, default searches and documentation come from them.
/// @code{.cpp}
/// const std::vector<ParameterDescriptor> declared = {
///     parameter::number("C", "1.0", above(0), "inverse strength of the penalty").searched("log:-4:1:11"),
///     parameter::choice("kernel", "rbf", {"linear", "rbf"}, "kernel function")};
/// const ParameterValues values("svm", declared, {{"C", "10"}});  // throws Error for undeclared names
/// values.number("C");                                            // 10
/// @endcode
#pragma once

#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genrewise {

/// Parameters by name, as text: {"n_neighbors", "21"}, {"gamma", "scale"}.
using Parameters = std::map<std::string, std::string, std::less<>>;
/// The parameters as text: "C=10, kernel=poly".
std::string to_string(const Parameters& parameters);

enum class ParameterType { boolean, integer, number, choice, text, integers };
/// The name of a type: "boolean", "integer", ...; for integers "list of integers".
std::string_view to_string(ParameterType type);

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
/// [least, infinity).
constexpr Range at_least(double least) {
  return {.least = least};
}
/// (least, infinity).
constexpr Range above(double least) {
  return {.least = least, .least_open = true};
}
/// [least, most].
constexpr Range between(double least, double most) {
  return {.least = least, .most = most};
}

/// Which values make a model simpler, for the one-standard-error rule of a search.
enum class Simpler { named_first, smaller, larger };
/// "named first", "smaller" or "larger".
std::string_view to_string(Simpler simpler);

/// Declaration of one parameter, created by the functions in namespace `parameter`. Member functions return modified
/// copies.
struct ParameterDescriptor {
  std::string name;  ///< the name in scikit-learn or XGBoost, if they have the parameter
  ParameterType type = ParameterType::text;
  std::string standard;            ///< default value, as text
  std::string help;                ///< one line
  Range range = {};                ///< of a number or of each item of a list
  std::vector<std::string> words;  ///< values of a choice; for numbers and lists: words accepted instead
  std::string alias = {};          ///< an accepted second name ("k" for n_neighbors)
  std::string candidates = {};     ///< default search space, in the grammar of models/model_spec.hpp; may be empty
  Simpler simpler = Simpler::named_first;

  ParameterDescriptor searched(std::string values, Simpler direction = Simpler::named_first) const {
    return with(&ParameterDescriptor::candidates, std::move(values)).simpler_when(direction);
  }
  ParameterDescriptor simpler_when(Simpler direction) const { return with(&ParameterDescriptor::simpler, direction); }
  /// Also allows these words instead of a number or list.
  ParameterDescriptor or_word(std::vector<std::string> allowed) const {
    return with(&ParameterDescriptor::words, std::move(allowed));
  }
  ParameterDescriptor also_called(std::string other) const {
    return with(&ParameterDescriptor::alias, std::move(other));
  }
  ParameterDescriptor with_default(std::string value) const {
    return with(&ParameterDescriptor::standard, std::move(value));
  }
  template <class Value>
  ParameterDescriptor with(Value ParameterDescriptor::*member, Value value) const {
    ParameterDescriptor other = *this;
    other.*member = std::move(value);
    return other;
  }
};

/// Constructors of declarations; `standard` is the default value as text, `help` one line.
namespace parameter {
ParameterDescriptor boolean(std::string name, std::string standard, std::string help);
ParameterDescriptor integer(std::string name, std::string standard, Range range, std::string help);
ParameterDescriptor number(std::string name, std::string standard, Range range, std::string help);
ParameterDescriptor choice(std::string name, std::string standard, std::vector<std::string> values, std::string help);
ParameterDescriptor text(std::string name, std::string standard, std::string help);
/// A list of integers, each in the range.
ParameterDescriptor integers(std::string name, std::string standard, Range range, std::string help);
}  // namespace parameter

bool allows(const ParameterDescriptor& parameter, std::string_view value);
/// The allowed values in words, to follow "give": "a number above 0", "one of linear, poly", "true or false".
std::string allowed_text(const ParameterDescriptor& parameter);

/// The parameter with this name or alias; null if there is none.
const ParameterDescriptor* find_parameter(std::span<const ParameterDescriptor> parameters, std::string_view name);

/// Parses integers like "100", "100,50" or "(100, 50)"; false if `text` is not such a list.
bool parse_integers(std::string_view text, std::vector<long long>& values);

/// Validated values of all declared parameters: given values, and defaults for the others. Reading an undeclared name,
/// or one of another type, is a programming error and throws std::logic_error.
class ParameterValues {
 public:
  /// `owner` is the location in errors. Throws Error for an undeclared name (the message lists the declared ones) and
  /// for an invalid value (the message states the valid ones). With `dotted`, names with a dot are kept unchecked: they
  /// belong to the classifiers of an ensemble.
  ParameterValues(std::string_view owner, std::span<const ParameterDescriptor> declared, const Parameters& given,
                  bool dotted = false);

  const Parameters& all() const { return all_; }
  /// One value as text, or converted to the declared type.
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
