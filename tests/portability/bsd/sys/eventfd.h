// Stand-in for a header that the BSDs do not have, or have for old programs only.
#error "no <sys/eventfd.h> outside Linux"
