# Fails if a source in FOLDER calls a function of std::filesystem that throws filesystem_error: the functions of
# base/filesystem.hpp throw Error, and the others take an error code, named `code`, `ignored` or `failed`, or a `status`.
# remove_all() ends the program where memory runs out; remove_tree() does not.
set(calls "exists|is_directory|is_regular_file|is_symlink|is_empty|status|symlink_status|file_size|space|remove|remove_all")
string(APPEND calls "|rename|absolute|canonical|weakly_canonical|relative|proximate|copy|copy_file|create_directory")
string(APPEND calls "|create_directories|current_path|temp_directory_path|last_write_time|permissions|read_symlink")
file(GLOB_RECURSE sources ${FOLDER}/*.cpp ${FOLDER}/*.hpp)
foreach(source IN LISTS sources)
  if(source MATCHES "/base/filesystem\\.[ch]pp$")
    continue()
  endif()
  file(STRINGS ${source} lines REGEX "(fs|filesystem)::(${calls})\\(|directory_iterator|remove_all\\([^)]")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "(code|ignored|failed|status)\\)|checked_filesystem" OR line MATCHES "remove_all\\(")
      message(SEND_ERROR "${source}: ${line}")
    endif()
  endforeach()
endforeach()
