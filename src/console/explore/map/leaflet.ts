// Leaflet is known here alone.
export {
  canvas,
  circle,
  type Circle,
  control,
  divIcon,
  geoJSON,
  latLng,
  type LatLng,
  type LayerGroup,
  layerGroup,
  type Map,
  map,
  type Marker,
  marker,
  tileLayer,
} from 'leaflet'
