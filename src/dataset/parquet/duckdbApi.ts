import type * as DuckDb from '@duckdb/node-api'
import { bundledPackage } from '../../bundledPackage.ts'

/** DuckDB's library, for values; its types come from the package. Loading it takes 40 MiB. */
export const {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBTableFunction,
  DuckDBTimestampValue,
  FLOAT,
  INTEGER,
  LIST,
  TIMESTAMP,
  TINYINT,
  UBIGINT,
  VARCHAR,
} = bundledPackage('@duckdb/node-api') as typeof DuckDb
