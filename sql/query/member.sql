-- Members. What each statement comes to is its outcome: see sql/function/member.sql.

-- name: member_put one
-- Conversation, caller, user, role or null, most members of a group, event id.
select outcome
from member_put($1::uuid, $2::uuid, $3::uuid, $4::text, $5::bigint, $6::uuid)

-- name: member_remove one
-- Conversation, caller, user, event id.
select outcome
from member_remove($1::uuid, $2::uuid, $3::uuid, $4::uuid)
