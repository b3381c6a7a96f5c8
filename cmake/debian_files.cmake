# Run by cpack before it packs: adds to each package what Debian's policy requires (copyright, changelog, compressed
# manual pages).
find_program(gzip gzip REQUIRED)
file(GLOB folders ${CPACK_TEMPORARY_DIRECTORY}/*/usr)
foreach(folder IN LISTS folders)
  cmake_path(GET folder PARENT_PATH component)
  cmake_path(GET component FILENAME component)
  string(TOUPPER ${component} component)
  set(package ${CPACK_DEBIAN_${component}_PACKAGE_NAME})
  set(doc ${folder}/share/doc/${package})
  file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: genrewise

Files: *
Copyright: 2026 the genrewise developers
License: Apache-2.0
 On Debian systems, the text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.
Comment: ${CPACK_GENREWISE_LICENCE}
")
  string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE ${doc}/changelog.Debian "genrewise (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Release; the sources' CHANGELOG.md lists what changed.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
  file(GLOB pages ${folder}/share/man/man1/*.1)
  execute_process(COMMAND ${gzip} -9nf ${doc}/changelog.Debian ${pages} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
