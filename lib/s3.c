/* URLs of a bucket's objects (s3.h). */
#include "lib/s3.h"

#include "lib/url.h"

bool s3_used(const struct conf *conf)
{
	return conf->attachments_s3_endpoint[0] != '\0';
}

/* Host and port as a client writes them into its header Host: without the port that is the scheme's own. */
static struct str host_of(struct str endpoint)
{
	static const struct str https = { "https://", 8 };
	struct str authority = url_authority(endpoint), host = url_host(authority);
	struct str port = { host.ptr + host.len, authority.len - host.len };
	bool usual = str_equal(port, str_starts(endpoint, https) ? STR(":443") : STR(":80"));
	return usual ? host : authority;
}

void s3_url(const struct conf *conf, const char *method, const char *key,
	const struct sigv4_param *params, size_t nparams, int64_t at_us, int expires_s,
	struct buf *out)
{
	struct str endpoint = str_of(conf->attachments_s3_endpoint), base = host_of(endpoint);
	const char *bucket = conf->attachments_s3_bucket;
	bool in_path = conf->attachments_s3_path_style;
	struct buf host = { 0 }, path = { 0 };
	buf_printf(&host, "%s%s%.*s", in_path ? "" : bucket, in_path ? "" : ".", (int)base.len,
		base.ptr);
	buf_printf(&path, "%s%s/%s", in_path ? "/" : "", in_path ? bucket : "", key);
	buf_add(out, endpoint.ptr, (size_t)(url_authority(endpoint).ptr - endpoint.ptr));
	buf_add(out, host.data, host.len);
	sigv4_presign(
		&(struct sigv4_key){
			.id = str_of(conf->attachments_s3_access_key),
			.secret = str_of(conf->attachments_s3_secret_key),
			.region = str_of(conf->attachments_s3_region),
			.service = STR("s3"),
		},
		&(struct sigv4_request){
			.method = str_of(method),
			.host = { host.data, host.len },
			.path = { path.data, path.len },
			.params = params,
			.nparams = nparams,
			.payload = SIGV4_UNSIGNED,
			.at_s = at_us / 1000000,
			.expires_s = expires_s,
		},
		out);
	buf_free(&host);
	buf_free(&path);
}
