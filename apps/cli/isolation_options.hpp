// The options of commands that can decode in separate processes.
#pragma once

#include <CLI/CLI.hpp>

#include "genrewise/audio/isolation.hpp"

namespace genrewise::cli {

/// --isolate, --max-seconds and --max-memory of commands that decode audio.
struct IsolationOptions {
  void add_to(CLI::App* command);
  /// Makes the current Runtime decode so. Throws Error where the worker program is missing.
  void apply() const;

  bool isolate = false;
  DecodeIsolation limits;
};

}  // namespace genrewise::cli
