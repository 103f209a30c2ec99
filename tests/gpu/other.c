/* A plug-in of another version of Larder. */
__attribute__((visibility("default"))) const int larder_nn_plugin = 0;
