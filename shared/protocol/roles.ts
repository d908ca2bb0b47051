export const roles = ['viewer', 'operator', 'approver', 'admin'] as const;
/** What a device may do; each may do what those before it may. */
export type Role = (typeof roles)[number];
