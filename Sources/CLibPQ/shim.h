#pragma once
#include <libpq-fe.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Character macros are not imported by Swift; these are the fields of an error that the module reads.
static const int pq_field_severity = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int pq_field_sqlstate = PG_DIAG_SQLSTATE;
static const int pq_field_message = PG_DIAG_MESSAGE_PRIMARY;
static const int pq_field_detail = PG_DIAG_MESSAGE_DETAIL;
static const int pq_field_hint = PG_DIAG_MESSAGE_HINT;
static const int pq_field_position = PG_DIAG_STATEMENT_POSITION;
static const int pq_field_context = PG_DIAG_CONTEXT;
static const int pq_field_table = PG_DIAG_TABLE_NAME;
static const int pq_field_column = PG_DIAG_COLUMN_NAME;
static const int pq_field_constraint = PG_DIAG_CONSTRAINT_NAME;
static const int pq_field_source_function = PG_DIAG_SOURCE_FUNCTION;

// eventfd(2) is not part of Swift's Glibc module.
static inline int pq_event_open(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline void pq_event_signal(int descriptor) {
    uint64_t one = 1;
    ssize_t ignored = write(descriptor, &one, sizeof one);
    (void)ignored;
}
static inline void pq_event_drain(int descriptor) {
    uint64_t count;
    ssize_t ignored = read(descriptor, &count, sizeof count);
    (void)ignored;
}
