// Two programs are made of these sources: `genrewise`, which starts fast, and `genrewise-neural`, which has the neural
// half and the large libraries behind it. The person calls the first; when it meets a name that it does not know, it
// becomes the second with the same arguments.
#pragma once

#include <string_view>

namespace genrewise::cli {

/// Makes the neural half's learners and feature sets known, in the program that has them.
void add_neural_half();

/// Replaces this process by the other program, which begins the command anew (commands find what is ready). Returns
/// when there is none: in the neural program itself, and in a build without it.
void hand_over(char** arguments);

/// What an error about an unknown name adds in a build without the neural half; else empty.
extern const std::string_view kWithoutNeuralHalf;

}  // namespace genrewise::cli
