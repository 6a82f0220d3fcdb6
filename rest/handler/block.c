/* Blocks (web/api/openapi.yaml). */
#include "rest/handler/handler.h"
#include "rest/handler/relation.h"
#include "sql/store/block.h"

enum err block_list(struct request *req)
{
	return relation_list(req, db_block_list, "blocked_at");
}

enum err block_put(struct request *req)
{
	return relation_put(req, db_block_put, req->conf->blocks_max);
}

enum err block_delete(struct request *req)
{
	return relation_delete(req, db_block_remove);
}
