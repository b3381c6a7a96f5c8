// Validates JSON documents with the subset of JSON Schema that docs/schema uses.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace genrewise::testing {

/// Supports type, const, enum, minimum, maximum, required, properties, additionalProperties, items, anyOf and $ref to
/// #/$defs/NAME; any other keyword is reported as an error. Stricter than JSON Schema: a name that the schema does not
/// declare is an error.
class JsonSchema {
 public:
  explicit JsonSchema(nlohmann::json schema) : schema_(std::move(schema)) {}

  /// Errors like "/models/0/accuracy: type ..."; empty for a valid document.
  std::vector<std::string> errors(const nlohmann::json& document) const {
    std::vector<std::string> found;
    check(document, schema_, "", found);
    return found;
  }

 private:
  using json = nlohmann::json;
  using Errors = std::vector<std::string>;

  static bool has_type(const json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == value.type_name();  // object, array, string, boolean, null
  }

  void check(const json& value, const json& schema, const std::string& at, Errors& errors) const {
    for (const auto& [keyword, expected] : schema.items()) {
      if (!check_keyword(value, schema, keyword, expected, at, errors)) {
        errors.push_back(at + ": the schema has the keyword " + keyword + ", which is not supported");
      }
    }
  }

  /// False for an unsupported keyword.
  bool check_keyword(const json& value, const json& schema, const std::string& keyword, const json& expected,
                     const std::string& at, Errors& errors) const {
    if (keyword == "$schema" || keyword == "title" || keyword == "description" || keyword == "$defs") return true;
    const auto require = [&](bool holds) {
      if (!holds) errors.push_back(at + ": " + keyword + " " + expected.dump() + " does not hold for " + value.dump());
    };
    if (keyword == "$ref") {
      const std::string name = expected.get<std::string>().substr(std::string("#/$defs/").size());
      check(value, schema_.at("$defs").at(name), at, errors);
    } else if (keyword == "type") {
      const json types = expected.is_array() ? expected : json::array({expected});
      bool any = false;
      for (const json& type : types) any = any || has_type(value, type);
      require(any);
    } else if (keyword == "const") {
      require(value == expected);
    } else if (keyword == "enum") {
      require(std::find(expected.begin(), expected.end(), value) != expected.end());
    } else if (keyword == "minimum") {
      require(!value.is_number() || value >= expected);
    } else if (keyword == "maximum") {
      require(!value.is_number() || value <= expected);
    } else if (keyword == "required") {
      for (const json& name : expected) {
        if (value.is_object() && !value.contains(name)) errors.push_back(at + ": lacks " + name.dump());
      }
    } else if (keyword == "properties") {
      check_members(value, schema, at, errors);
    } else if (keyword == "additionalProperties") {
      if (!schema.contains("properties")) check_members(value, schema, at, errors);
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        check(value[i], expected, at + "/" + std::to_string(i), errors);
      }
    } else if (keyword == "anyOf") {
      check_any(value, expected, at, errors);
    } else {
      return false;
    }
    return true;
  }

  void check_members(const json& value, const json& schema, const std::string& at, Errors& errors) const {
    if (!value.is_object()) return;
    const json declared = schema.value("properties", json::object());
    for (const auto& [name, member] : value.items()) {
      if (declared.contains(name)) {
        check(member, declared.at(name), at + "/" + name, errors);
      } else if (schema.contains("additionalProperties")) {
        check(member, schema.at("additionalProperties"), at + "/" + name, errors);
      } else {
        errors.push_back(at + "/" + name + ": is not declared");
      }
    }
  }

  /// The errors of the alternative that has the fewest.
  void check_any(const json& value, const json& alternatives, const std::string& at, Errors& errors) const {
    Errors least;
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
      Errors these;
      check(value, alternatives[i], at, these);
      if (these.empty()) return;
      if (i == 0 || these.size() < least.size()) least = these;
    }
    errors.insert(errors.end(), least.begin(), least.end());
  }

  json schema_;
};

}  // namespace genrewise::testing
