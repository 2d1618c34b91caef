/** What sqliteCrash.test.ts and its child process share. */
export const CRASH_LAYOUT = {
  layout: {
    users: { features: 3, ids: 'integer' as const },
    restaurants: { features: 2, ids: 'integer' as const },
  },
}
export const CRASH_WRITERS = 8 // at a time
