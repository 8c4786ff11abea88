#pragma once
#include <curl/curl.h>
// Nothing more than curl.h brings: what else were included here, Swift would take for this module's own.

// curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift cannot call:
// one typed function for each kind of argument. The argument's C type must be the one libcurl documents.

static inline CURLcode curl_shim_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode curl_shim_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the string.
static inline CURLcode curl_shim_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode curl_shim_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the bytes; the size goes first.
static inline CURLcode curl_shim_set_body(CURL *easy, const void *bytes, curl_off_t size) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, size > 0 ? bytes : "");
}

/// libcurl keeps the pointer: the list must outlive the transfer.
static inline CURLcode curl_shim_set_headers(CURL *easy, struct curl_slist *list) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
}

static inline CURLcode curl_shim_set_write_function(CURL *easy, CURLoption option, curl_write_callback function) {
    return curl_easy_setopt(easy, option, function);
}

static inline CURLcode curl_shim_set_opensocket_function(CURL *easy, curl_opensocket_callback function) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, function);
}

static inline CURLcode curl_shim_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode curl_shim_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

/// The result of a finished transfer; only for a message of kind CURLMSG_DONE.
static inline CURLcode curl_shim_message_result(const CURLMsg *message) {
    return message->data.result;
}

/// `addr` is the head of a longer structure of `addrlen` bytes, which Swift's import of the field would cut off.
static inline const void *curl_shim_sockaddr(const struct curl_sockaddr *address) {
    return &address->addr;
}

/// A socket as libcurl itself would open it, and closed on exec: child processes inherit no connection.
static inline curl_socket_t curl_shim_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
