/* Reactions to messages: one's own (web/api/openapi.yaml). */
#include "rest/handler/handler.h"

#include "lib/emoji.h"
#include "rest/reply.h"
#include "sql/store/reaction.h"

typedef enum err (*reaction_fn)(struct db *db, struct arena *arena, const struct uuid *conversation,
	const struct uuid *user, const struct uuid *message, struct str emoji, const char **why);

static enum err reaction_change(struct request *req, reaction_fn change)
{
	char emoji[EMOJI_MAX_BYTES + 1];
	enum err err = emoji_read(req->text, emoji);

	if (err != OK) {
		fault_add(&req->faults, "emoji", "bad_format", "It must be one emoji.");
		return err;
	}
	err = change(req->db, req->arena, &req->ids[0], &req->caller.user_id, &req->ids[1],
		str_of(emoji), &req->detail);
	if (err == OK)
		reply_status(req, 204);
	return err;
}

enum err reaction_put(struct request *req)
{
	return reaction_change(req, db_reaction_put);
}

enum err reaction_remove(struct request *req)
{
	return reaction_change(req, db_reaction_remove);
}
