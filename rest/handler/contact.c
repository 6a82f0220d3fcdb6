/* Address books (web/api/openapi.yaml). */
#include "rest/handler/handler.h"
#include "rest/handler/relation.h"
#include "sql/store/contact.h"

enum err contact_list(struct request *req)
{
	return relation_list(req, db_contact_list, "added_at");
}

enum err contact_put(struct request *req)
{
	return relation_put(req, db_contact_put, req->conf->contacts_max);
}

enum err contact_delete(struct request *req)
{
	return relation_delete(req, db_contact_remove);
}
