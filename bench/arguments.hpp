// name=value arguments of a benchmark's command line.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace genrewise::bench {

struct Arguments {
  std::vector<std::string> words;                          ///< without an equals sign, in order
  std::map<std::string, std::string, std::less<>> values;  ///< by name; the last one if a name is repeated

  Arguments(int count, char** given) {
    for (int i = 1; i < count; ++i) {
      const std::string word = given[i];
      if (const std::size_t equals = word.find('='); equals == std::string::npos) {
        words.push_back(word);
      } else {
        values[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }

  /// Returns the value and removes it; the remaining values are parameters of the classifier.
  std::string take(const std::string& name, const std::string& otherwise) {
    const auto node = values.extract(name);
    return node.empty() ? otherwise : node.mapped();
  }
};

}  // namespace genrewise::bench
