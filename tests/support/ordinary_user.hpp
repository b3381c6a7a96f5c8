// Tests of missing permissions, also where the tests run as root.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace genrewise::testing {

/// Where the process runs as root, which may read and write everything: gives `folder` with its content to the user
/// "nobody" and runs as that user until the destructor, as do the programs that are started meanwhile.
class OrdinaryUser {
 public:
  explicit OrdinaryUser(const std::filesystem::path& folder) {
    if (::geteuid() != 0) return;
    constexpr uid_t kNobody = 65534;
    const auto give = [&](const std::filesystem::path& path) {
      return ::lchown(path.c_str(), kNobody, gid_t(-1)) == 0;
    };
    bool given = give(folder);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) given = give(entry.path()) && given;
    changed_ = given && ::seteuid(kNobody) == 0;
    if (changed_ && ::eaccess(folder.c_str(), W_OK) != 0) restore();
  }
  ~OrdinaryUser() { restore(); }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

 private:
  void restore() {
    if (changed_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
    changed_ = false;
  }
  bool changed_ = false;
};

}  // namespace genrewise::testing

/// Runs the rest of the test without root's permissions, or skips it.
#define AS_ORDINARY_USER(folder)                                  \
  const ::genrewise::testing::OrdinaryUser ordinary_user(folder); \
  if (::geteuid() == 0) GTEST_SKIP() << "root cannot become another user here"
