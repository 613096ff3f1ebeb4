#include "daemon/lend_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "ops/safe_path.h"

namespace deferd {
namespace {

const std::string& path_of(const smtp::TlsConfig& config, smtp::TlsFile which) {
  switch (which) {
    case smtp::TlsFile::certificate:
      return config.certificate;
    case smtp::TlsFile::key:
      return config.key;
    case smtp::TlsFile::client_ca:
      break;
  }
  return config.client_ca;
}

}  // namespace

Result<Descriptor> lend_file(const std::string& config_file, const smtp::TlsConfig& config, smtp::TlsFile which) {
  const auto& path = path_of(config, which);
  if (path.empty()) return fail(Errc::not_found, "the configuration names no such file");
  for (const auto& must_be_safe : {config_file, path})
    if (auto safe = check_safe(must_be_safe); !safe) return tl::unexpected(safe.error());
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail(Errc::io, path + " cannot be read: " + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail(Errc::invalid, path + " is no file");
  return file;
}

}  // namespace deferd
