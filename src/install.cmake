# What `cmake --install` puts where, the package, and `--target uninstall`. Manual pages and
# completions are printed by larder itself, from the tables that its parser reads.
include(GNUInstallDirs)
install(TARGETS larder RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
get_property(programs GLOBAL PROPERTY LARDER_PROGRAMS)
install(TARGETS ${programs} RUNTIME DESTINATION libexec/larder)
if(TARGET larder_cudnn) # where programs look for it: ../lib/larder of their own folder
  install(FILES $<TARGET_FILE:larder_cudnn> DESTINATION libexec/lib/larder)
endif()
install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES docs/recipe.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/larder)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md"
  PATTERN adr EXCLUDE)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(CODE "
  set(larder \"$<TARGET_FILE:larder>\")
  set(share \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
  function(larder_print file)
    set(path \"\$ENV{DESTDIR}\${share}/\${file}\")
    get_filename_component(folder \"\${path}\" DIRECTORY)
    file(MAKE_DIRECTORY \"\${folder}\")
    execute_process(COMMAND \"\${larder}\" \${ARGN} OUTPUT_FILE \"\${path}\" COMMAND_ERROR_IS_FATAL ANY)
    message(STATUS \"Installing: \${path}\")
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${share}/\${file}\")
    set(CMAKE_INSTALL_MANIFEST_FILES \"\${CMAKE_INSTALL_MANIFEST_FILES}\" PARENT_SCOPE)
  endfunction()
  larder_print(man/man1/larder.1 help --man)
  execute_process(COMMAND \"\${larder}\" complete commands OUTPUT_VARIABLE commands COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL \"[^\\n]+\" commands \"\${commands}\")
  foreach(command IN LISTS commands)
    larder_print(man/man1/larder-\${command}.1 help --man \${command})
  endforeach()
  larder_print(bash-completion/completions/larder complete bash)
  larder_print(zsh/site-functions/_larder complete zsh)
  larder_print(fish/vendor_completions.d/larder.fish complete fish)
")

# What the last `cmake --install` of this build wrote, and no folder.
add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
    -P ${CMAKE_CURRENT_LIST_DIR}/uninstall.cmake VERBATIM)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME larder)
set(CPACK_PACKAGE_CONTACT "The Larder authors <larder@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "workflow tool with a content-addressed cache")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "fonts-dejavu-core, libcurl4, libmicrohttpd12")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "dataset-fashion-mnist, gimp-data")
include(CPack)
