#include <curl/curl.h>

#include "base/files.h"
#include "base/text.h"
#include "images/helper/commands.h"

namespace kpod::images {

namespace {

constexpr size_t kMaxBody = 16 << 20;

struct Body {
  std::string bytes;
  bool too_long = false;
};

size_t TakeBody(char* data, size_t size, size_t count, void* user) {
  auto* body = static_cast<Body*>(user);
  if (body->bytes.size() + size * count > kMaxBody) {
    body->too_long = true;
    return 0;
  }
  body->bytes.append(data, size * count);
  return size * count;
}

}  // namespace

Status Fetch(const std::string& url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return Error(StrCat(Quote(url), " is no http or https URL"));
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return Error("fetch: libcurl does not start");
  Body body;
  char reason[CURL_ERROR_SIZE] = "";
  CURL* c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 15L);
  curl_easy_setopt(c, CURLOPT_TIMEOUT, 120L);
  curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(c, CURLOPT_USERAGENT, "kpod/" KPOD_VERSION);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
  CURLcode rc = curl_easy_perform(c);
  if (body.too_long) return Error(StrCat("fetch ", url, ": larger than ", HumanBytes(kMaxBody)));
  if (rc != CURLE_OK) {
    return Error(StrCat("fetch ", url, ": ", reason[0] != '\0' ? reason : curl_easy_strerror(rc)));
  }
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200 || status > 299) {
    return Error(StrCat("fetch ", url, ": the server answered with HTTP status ", status));
  }
  return WriteAll(1, body.bytes);
}

}  // namespace kpod::images
