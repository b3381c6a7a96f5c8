#include "genrewise/models/networks/messages.hpp"

#include <new>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/neural_program.hpp"

namespace genrewise {

using nlohmann::json;

NeuralMessage read_message(const ReadBytes& read) {
  return read_message(read, {.other = kNeuralProgram, .protocol = kNeuralProtocol});
}

json error_message(const std::exception& problem) {
  json header = {{"type", "error"}, {"kind", "error"}, {"problem", problem.what()}, {"where", ""}, {"remedy", ""}};
  if (const auto* error = dynamic_cast<const Error*>(&problem)) {
    header["problem"] = error->problem();
    header["where"] = error->where();
    header["remedy"] = error->remedy();
  }
  if (dynamic_cast<const Interrupted*>(&problem) != nullptr) header["kind"] = "interrupted";
  if (dynamic_cast<const UnknownName*>(&problem) != nullptr) header["kind"] = "unknown name";
  if (dynamic_cast<const std::bad_alloc*>(&problem) != nullptr) {
    header["problem"] = "not enough memory";
    header["remedy"] = "use less data or a smaller network, or close other programs";
  }
  return header;
}

void throw_error_message(const json& header) {
  const std::string kind = header.value("kind", ""), problem = header.value("problem", "failed"),
                    where = header.value("where", ""), remedy = header.value("remedy", "");
  if (kind == "interrupted") throw Interrupted();
  if (kind == "unknown name") throw UnknownName(problem, where, remedy);
  throw Error(problem, where, remedy);
}

}  // namespace genrewise
