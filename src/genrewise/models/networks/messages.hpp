// Messages between a process that uses networks and genrewise-neural (docs/training.md, "Two programs").
#pragma once

#include <cstdint>
#include <exception>

#include "genrewise/base/message.hpp"
#include "genrewise/models/classifier.hpp"

namespace genrewise {

inline constexpr std::uint8_t kNeuralProtocol = 2;

using NeuralMessage = Message;

/// Reads one message (base/message.hpp) with few limits. Throws Error for malformed data or another protocol version.
NeuralMessage read_message(const ReadBytes& read);

/// An exception as a message of type "error", and the reverse: Interrupted, UnknownName and Error (with what, where and
/// remedy) keep their type, any other arrives as an Error.
nlohmann::json error_message(const std::exception& problem);
[[noreturn]] void throw_error_message(const nlohmann::json& header);

/// A FitContext without its pointers; `follow` is a member of the document, for the caller to keep.
nlohmann::json to_json(const FitContext& context);
FitContext fit_context_from(const nlohmann::json& json);

}  // namespace genrewise
