// The commands of the program. A command is one file command_<name>.cpp with one function declared here: it adds a
// subcommand with options and examples to the app, and gives the session what to run when it is chosen (session.hpp).
#pragma once

#include <CLI/CLI.hpp>

#include "session.hpp"

namespace genrewise::cli {

using AddCommand = void(CLI::App& app, Session& session);

AddCommand add_study, add_report, add_compare, add_fetch, add_inspect, add_split, add_extract, add_pack, add_tune,
    add_train, add_evaluate, add_predict, add_library, add_tag, add_playlist, add_serve, add_models, add_features,
    add_list, add_doctor, add_merge;

/// The sub-commands of `library` that show tracks.
AddCommand add_library_tracks;

/// In the order of --help: the whole study, its steps, and the listings.
inline constexpr AddCommand* kCommands[] = {
    add_study, add_report,   add_compare, add_fetch,  add_inspect,  add_split,   add_extract,
    add_pack,  add_merge,    add_tune,    add_train,  add_evaluate, add_predict, add_library,
    add_tag,   add_playlist, add_serve,   add_models, add_features, add_list,    add_doctor,
};

}  // namespace genrewise::cli
