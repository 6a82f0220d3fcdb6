// Webhooks as an identity provider sends them, signed by npm standardwebhooks.
import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { WEBHOOK_SECRET } from './stack.mjs';

/** Headers for a body: id and time can be chosen, and names that begin with 'svix' instead of 'webhook'. */
export function webhookHeaders(text, { id = `msg_${randomUUID()}`, at = new Date(), secret = WEBHOOK_SECRET, prefix = 'webhook' } = {}) {
	return {
		'content-type': 'application/json',
		[`${prefix}-id`]: id,
		[`${prefix}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
		[`${prefix}-signature`]: new Webhook(secret).sign(id, at, text),
	};
}
