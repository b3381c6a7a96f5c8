// The one grammar of models and hyper-parameters: for study, tune, train and every other command that names a model.
//
//     MODEL      = [FEATURES/]KIND[:PARAMETER]...     audiotag/svm:C=1,10:kernel=rbf
//     PARAMETER  = NAME=CANDIDATES                    C=10
//     CANDIDATES = VALUE[,VALUE]...                   C=0.1,1,10
//                | START:STOP[:STEP]                  n_neighbors=1:96:5    the stop included where it is met
//                | log:FROM:TO:COUNT                  C=log:-2:2:9          powers of ten from 10^FROM to 10^TO
//     VALUE      = text without , : | ( ), or (TEXT)  hidden_layer_sizes=(100,50) is one value, (100),(100,50) are two
//
// KIND is a kind of classifier ("svm") or a preset ("svm-rbf", "fma-LR"). FEATURES is the name of the feature set or
// table that the model is fitted on. A new parameter starts at a colon that is followed by NAME=, where NAME consists
// of letters, underscores, digits and dots and starts with a letter or underscore; every other colon belongs to the
// value before it. Within parentheses every character is literal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// One parameter and the values to try.
struct GridAxis {
  std::string parameter;
  std::vector<std::string> values;
  std::string written = {};  ///< the candidates as written ("1:96:5"); empty: the values with commas between them
  bool by_default = false;   ///< from a preset, not requested explicitly
  friend bool operator==(const GridAxis&, const GridAxis&) = default;
};

/// A kind of classifier, its fixed parameters, and its search space.
struct ModelSpec {
  std::string name;            ///< its canonical text in the grammar: in tables and results, and to parse again
  std::string title;           ///< "SVM, RBF kernel": for display
  std::string features;        ///< name of the table that it is fitted on; empty: the study's own
  std::string kind;            ///< "svm"
  Parameters parameters;       ///< the classifier's, and those of the preprocessing (see Point)
  std::vector<GridAxis> grid;  ///< every combination is tried; empty: nothing to choose
  std::string base = {};       ///< the kind or preset that was named
  friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

/// single: every parameter has one value, and a preset's search space stays at its defaults.
enum class Values { candidates, single };

/// Throws Error, with the position in the text and a remedy, for a text that is not in the grammar, for a parameter
/// that the classifier does not have and for a value that is not allowed; UnknownName for an unknown kind.
ModelSpec parse_model(std::string_view text, Values values = Values::candidates);
/// Several models, also several in one text with commas between them: a comma starts a new model where the name of a
/// kind or preset follows, and otherwise continues the candidates before it. "fma-baselines" stands for the classifiers
/// of the FMA dataset's published baselines (Defferrard et al. 2017, baselines.ipynb) that exist here, with their
/// parameters and nothing to choose: fma-LR, fma-kNN, fma-SVCrbf, ... Duplicates are dropped. Throws Error for two
/// whose files would have the same name.
std::vector<ModelSpec> parse_models(const std::vector<std::string>& texts);

/// NAME=VALUE, added to a model's parameters in place of what was there by default. Throws Error as parse_model() does,
/// and where the parameter was given before. `features` is accepted here: it names groups of columns.
void add_parameter(ModelSpec& spec, std::string_view text);
/// NAME=CANDIDATES, added to the search space, also where it is one value.
void add_axis(ModelSpec& spec, std::string_view text);

/// NAME=CANDIDATES of any classifier: values are not checked. Throws Error.
GridAxis parse_axis(std::string_view text);

/// Canonical text: parse_model(text_of(spec)) is `spec`, and the text of equal specs is equal.
std::string text_of(const ModelSpec& spec);
std::string text_of(const GridAxis& axis);
/// The name of a model's files, derived from its own: letters, digits, dots and hyphens, at most 120 characters.
std::string file_name_of(std::string_view model_name);
/// The text with every character except letters, digits, dots and hyphens replaced by a hyphen.
std::string as_file_name(std::string_view text);

/// The models of a study where none are named: all presets that are marked for it.
std::vector<ModelSpec> default_models();

}  // namespace genrewise
