# The plugin that speaks to the helper.
deferd_add_plugin(pfbridge
  SOURCES
    bridge.cc
    channel.cc
    config.cc
    follower.cc
    helper_place.cc
    leases.cc
    link.cc
    module.cc
    pfbridge.cc
    prefixes.cc
    runner.cc
    split_rows.cc
    table_sync.cc
    wanted.cc
    watcher.cc
  LINK deferd-wire Threads::Threads)

deferd_test(bridge
  SOURCES
    bridge_exempt_test.cc
    bridge_guard_test.cc
    bridge_lease_test.cc
    bridge_model_test.cc
    bridge_test.cc
    config_test.cc
    link_test.cc
    manual_test.cc
    pfbridge_test.cc
    runner_test.cc
    wanted_test.cc
    watcher_test.cc
  LINK pfbridge-objects deferd-pfbridge deferd-config deferd::testing)
if(DEFERD_TESTS)
  target_include_directories(bridge_test PRIVATE ${PROJECT_SOURCE_DIR}/core)
  target_compile_definitions(
    bridge_test
    PRIVATE DEFERD_HELPER="$<TARGET_FILE:deferd-helper>" PFCTL="${PROJECT_SOURCE_DIR}/tests/support/pfctl/pfctl.py"
            PFBRIDGE_README="${CMAKE_CURRENT_SOURCE_DIR}/README.md" PFBRIDGE_EXAMPLE="${CMAKE_CURRENT_SOURCE_DIR}/pfbridge.yaml")
  add_dependencies(bridge_test deferd-helper)
  set_tests_properties(bridge_test PROPERTIES COST 80)
endif()
