/* Settings of a bucket, which belong together. Called by conf.c at the start. */
#ifndef LIB_CONF_S3_H
#define LIB_CONF_S3_H

#include "lib/conf.h"

/* Are they good, each and together? Every fault is logged. Without attachments_s3_endpoint none is looked at. */
bool conf_s3_ok(const struct conf *conf);

#endif
