#include "genrewise/storage/work_folder.hpp"

#include "genrewise/storage/files.hpp"

namespace genrewise {

WorkFolder::WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  make_folders(path_);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace genrewise
