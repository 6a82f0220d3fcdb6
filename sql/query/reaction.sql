-- Reactions.

-- name: reaction_put one
-- See the function: conversation, user, message, emoji, most of one person, most different ones, event id.
select outcome
from reaction_put($1::uuid, $2::uuid, $3::uuid, $4::text, $5::bigint, $6::bigint, $7::uuid)

-- name: reaction_remove one
-- See the function: conversation, user, message, emoji, event id.
select outcome
from reaction_remove($1::uuid, $2::uuid, $3::uuid, $4::text, $5::uuid)
