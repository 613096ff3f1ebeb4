// A library, but no plugin: nothing is called deferd_plugin.
extern "C" __attribute__((visibility("default"))) int no_symbol() { return 0; }
