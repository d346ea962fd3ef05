# Installs the headers and the package that find_package(captcha) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/captcha)
configure_package_config_file(cmake/captchaConfig.cmake.in captchaConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(captchaConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(DIRECTORY include/captcha DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS captcha EXPORT captchaTargets)
install(EXPORT captchaTargets NAMESPACE captcha:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/captchaConfig.cmake ${PROJECT_BINARY_DIR}/captchaConfigVersion.cmake
              cmake/dependencies.cmake cmake/compiled.cmake DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/captcha)
