// The JSON library, whose conversions to integers are checked: it casts any number, which is undefined for 1e308 and a
// wrong value for 3.7 or 2^40 as int. All sources get this header as <nlohmann/json.hpp> (cmake/compile_options.cmake).
#pragma once
#pragma GCC system_header  // for include_next
#include_next <nlohmann/json.hpp>

#include <cmath>
#include <concepts>
#include <limits>
#include <utility>

/// Integers of JSON have no fraction and lie within the range of T; else json::out_of_range, for other types
/// json::type_error.
template <class T>
requires(std::integral<T> && !std::same_as<T, bool>) struct nlohmann::adl_serializer<T, void> {
  template <class Json>
  static void to_json(Json& json, T value) {
    nlohmann::to_json(json, value);
  }
  template <class Json>
  static void from_json(const Json& json, T& value) {
    const auto take = [&](auto number, bool fits) {
      if (!fits) throw Json::out_of_range::create(406, "number " + json.dump() + " is no integer of this range", &json);
      value = static_cast<T>(number);
    };
    if (json.is_number_unsigned()) {
      const auto number = json.template get_ref<const typename Json::number_unsigned_t&>();
      take(number, std::in_range<T>(number));
    } else if (json.is_number_integer()) {
      const auto number = json.template get_ref<const typename Json::number_integer_t&>();
      take(number, std::in_range<T>(number));
    } else if (json.is_number_float()) {
      const auto number = json.template get_ref<const typename Json::number_float_t&>();
      take(number, number == std::trunc(number) && number >= static_cast<double>(std::numeric_limits<T>::min()) &&
                       number < std::ldexp(1.0, std::numeric_limits<T>::digits));
    } else {
      throw Json::type_error::create(302, std::string("type must be number, but is ") + json.type_name(), &json);
    }
  }
};
