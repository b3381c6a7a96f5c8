// Tests of vector kernels run once for every instruction set that they are compiled for and this processor has.
#pragma once

#include <gtest/gtest.h>

#include <functional>

namespace genrewise::testing {

/// Calls `body` once for each of these instruction sets, with the kernels of that one in use.
void on_every_target(const std::function<void()>& body);

}  // namespace genrewise::testing

/// TEST() on every instruction set.
#define TEST_ON_EVERY_TARGET(suite, name)                  \
  static void suite##_##name();                            \
  TEST(suite, name) {                                      \
    ::genrewise::testing::on_every_target(suite##_##name); \
  }                                                        \
  static void suite##_##name()
