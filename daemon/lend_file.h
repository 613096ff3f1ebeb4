// Files of the certificate that only root can read, opened for the worker.
#pragma once
#include <string>

#include "ops/descriptors.h"
#include "smtp/tls.h"

namespace deferd {

/// The file that `config`, read from `config_file`, names. The worker chooses which one, no path; and nobody but root may be able
/// to put another file there or name another in `config_file` (check_safe()): what the worker's user can write to he can read by
/// himself. Errors: not_found, invalid, io.
Result<Descriptor> lend_file(const std::string& config_file, const smtp::TlsConfig& config, smtp::TlsFile which);

}  // namespace deferd
