// glibc's name service and dlopen(3), absent. kpod and kpod-supervisor are static and enter
// containers: what these functions of glibc do, loading libraries at run time, must not happen in
// them (docs/runtime.md), and would not work with another glibc than that of the build. libnl, ldns
// and OpenSSL have functions that refer to them, which nobody here calls: names are asked for by
// network/lookup.h, accounts read by runtime/user.cc. These stand in their place, so that the
// linker has no glibc code of that kind to take in, and nothing to warn of. The signatures are
// POSIX's.
#include <netdb.h>

extern "C" {

int getaddrinfo(const char* /*node*/, const char* /*service*/, const addrinfo* /*hints*/,
                addrinfo** /*out*/) {
  return EAI_FAIL;
}
void freeaddrinfo(addrinfo* /*list*/) noexcept {}
int getnameinfo(const sockaddr* /*address*/, socklen_t /*length*/, char* /*host*/,
                socklen_t /*host_size*/, char* /*service*/, socklen_t /*service_size*/,
                int /*flags*/) {
  return EAI_FAIL;
}

hostent* gethostbyname(const char* /*name*/) {
  h_errno = NO_RECOVERY;
  return nullptr;
}

protoent* getprotobyname(const char* /*name*/) { return nullptr; }
protoent* getprotobynumber(int /*number*/) { return nullptr; }
void endprotoent() {}

servent* getservbyname(const char* /*name*/, const char* /*protocol*/) { return nullptr; }
servent* getservbyport(int /*port*/, const char* /*protocol*/) { return nullptr; }
void endservent() {}

// What a reference to dlopen(3) is linked to (ld --wrap: glibc's static start-up has that object in
// any case). OpenSSL would load engines and providers that are files; what is needed of it is built
// in.
void* __wrap_dlopen(const char* /*file*/, int /*mode*/) { return nullptr; }

}  // extern "C"
