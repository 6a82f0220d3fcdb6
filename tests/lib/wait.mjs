// Waiting for a condition with a deadline: the only way in which tests wait (rule 48).

/**
 * Calls condition until it returns something truthy, and returns that. What it throws counts as "not
 * yet". After deadline milliseconds the wait fails, saying what was waited for and what came last.
 */
export async function waitFor(condition, deadline = 5000, what = condition.toString()) {
	const end = performance.now() + deadline;
	let last;
	for (;;) {
		try {
			last = await condition();
			if (last) return last;
		} catch (error) {
			last = error;
		}
		if (performance.now() >= end)
			throw new Error(`not within ${deadline} ms: ${what}; last: ${describe(last)}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

function describe(value) {
	if (value instanceof Error) return value.message;
	return JSON.stringify(value) ?? String(value);
}
