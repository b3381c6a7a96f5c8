// The neural half of genrewise: the only door through which a program lets it in.
#pragma once

namespace genrewise {

/// Makes every network known to make_classifier() and every network's features to make_feature_set(). Call it once,
/// before threads are started.
void register_neural();

}  // namespace genrewise
