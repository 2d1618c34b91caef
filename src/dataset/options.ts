/** The names of the columns that are no features. */
export interface ColumnNames {
  userId: string
  restaurantId: string
  click: string
  latitude: string
  longitude: string
}

export const DEFAULT_COLUMNS: ColumnNames = {
  userId: 'user_id',
  restaurantId: 'restaurant_id',
  click: 'click',
  latitude: 'latitude',
  longitude: 'longitude',
}

/** Which files, which columns, and what to do about holes in them. */
export interface DatasetOptions {
  data: string // folder; the file names below are relative to it
  userFile?: string // default user_features.parquet
  restaurantFile?: string // default restaurant_features.parquet
  trainFiles?: string | string[] // globs, default train/*.parquet
  testFiles?: string | string[] // globs, default test/*.parquet
  columns?: Partial<ColumnNames>
  userFeatures?: string[] // column names in order; default: all named f<digits>, else all numeric columns that are no ids
  restaurantFeatures?: string[] // the same; latitude and longitude are never features unless named here
  onMissing?: 'fail' | 'drop' // a click whose user or restaurant has no features; default fail
  cache?: string // folder of the packed rows, default <data>/.nearrank
}

export type Split = 'train' | 'test'
