#!/usr/bin/env bash
# Copies small files of the outside suites into the corpus of a target.
set -euo pipefail
cd "$(dirname "$0")"
format=$1 shared=${COHORTE_SHARED:-../../shared}
mkdir -p "corpus/$format"
case $format in
  excel) find "$shared/suites/excel" -name '*.xls*' -o -name '*.ods' ;;
  dicom) find "$shared/suites/dicom" -type f ;;
  sas7bdat) find "$shared/suites/statistical_files" -name '*.sas7bdat' ;;
  xport) find "$shared/suites/statistical_files" -name '*.xpt' ;;
  spss) find "$shared/suites/statistical_files" -name '*.sav' -o -name '*.zsav' -o -name '*.por' ;;
  stata) find "$shared/suites/statistical_files" -name '*.dta' ;;
  hl7) find "$shared/data/hl7v2" -name '*.hl7' ;;
  fhir | ndjson | json) find "$shared/suites/sql_on_fhir_v2" -name '*.json' ;;
  *) true ;;
esac 2>/dev/null | while read -r file; do
  if [ "$(stat -c %s "$file")" -lt 200000 ]; then cp -n "$file" "corpus/$format/$(sha256sum <"$file" | cut -c1-16)"; fi
done
case $format in
  fhir | ndjson) head -n 20 "$shared/data/fhir/ndjson_small/Observation.ndjson" >"corpus/$format/observations" 2>/dev/null || true ;;
  redcap) printf 'record_id,sex,sym___1,sym___2,preg\n1,1,1,0,0\n2,2,0,0,\n' >"corpus/$format/export" ;;
  fixed_width) printf 'abc 31122011 1250\nabd 01012012 0050\n' >"corpus/$format/lines" ;;
esac
chmod -R u+w "corpus/$format"
