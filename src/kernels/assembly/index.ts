export { gemm, gemmWide } from './gemm'
export { hidden, hiddenWide } from './hidden'
export { digestWeights, gather, gatherContext } from './gather'
export { loss, logits, weightedLoss } from './loss'
export { groupLoss } from './groupLoss'
export { adam } from './adam'
export { addDeltas, addToLogits, embed, setColumn } from './embedding'
export { embeddingAdam } from './embeddingAdam'
export {
  scaleRows,
  reluRows,
  backRelu,
  dotRows,
  sumRows,
  sumSlices,
  outputGradient,
  transpose,
  addInto,
} from './rows'
export { peak } from './peak'
export { rowProduct, scorePairs, scoreRows } from './score'
