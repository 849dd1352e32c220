#!/usr/bin/env bash
# Copies small files of the outside suites into the corpus of a target, and makes those that no suite has.
set -euo pipefail
cd "$(dirname "$0")"
format=$1 shared=${COHORTE_SHARED:-../../shared}
corpus=corpus/$format
mkdir -p "$corpus"
case $format in
  excel) find "$shared/suites/excel" -name '*.xls*' -o -name '*.ods' ;;
  dicom) find "$shared/suites/dicom" -type f ;;
  sas7bdat) find "$shared/suites/statistical_files" -name '*.sas7bdat' ;;
  xport) find "$shared/suites/statistical_files" -name '*.xpt' ;;
  spss) find "$shared/suites/statistical_files" -name '*.sav' -o -name '*.zsav' -o -name '*.por' ;;
  stata) find "$shared/suites/statistical_files" -name '*.dta' ;;
  hl7) find "$shared/data/hl7v2" -name '*.hl7' ;;
  osiris) find "$shared/data/osiris/pivot" -name '*.csv' ;;
  delimited) find "$shared/suites/csv_spectrum/csvs" "$shared/suites/encodings" -type f ;;
  yaml) find .. -path ../fuzz -prune -o -path ../target -prune -o -name '*.yaml' -print ;;
  fhir | ndjson | json) find "$shared/suites/sql_on_fhir_v2" -name '*.json' ;;
  *) true ;;
esac 2>/dev/null | while read -r file; do
  if [ "$(stat -c %s "$file")" -lt 200000 ]; then cp -n "$file" "$corpus/$(sha256sum <"$file" | cut -c1-16)"; fi
done || true

# An archive of files as they are, without compression, so that a changed byte is a changed byte of a file.
archive() {
  local to=$PWD/$corpus/$1
  shift
  [ -e "$to" ] || (cd "$1" && shift && zip -q -0 -j - "$@" >"$to" 2>/dev/null) || true
}

case $format in
  fhir | ndjson) head -n 20 "$shared/data/fhir/ndjson_small/Observation.ndjson" >"$corpus/observations" 2>/dev/null || true ;;
  redcap) printf 'record_id,sex,sym___1,sym___2,preg\n1,1,1,0,0\n2,2,0,0,\n' >"$corpus/export" ;;
  fixed_width) printf 'abc 31122011 1250\nabd 01012012 0050\n' >"$corpus/lines" ;;
  delimited)
    printf 'id;Größe;Datum\r\n1;"a ""b"";\r\nc";31.12.2011\r\n2;x;\r\n' >"$corpus/quoted"
    printf 'a,b\n1,2\n"3,4\n5,6,7\n' | iconv -t UTF-16 >"$corpus/utf16"
    printf 'a\tb\n1\t2\n3\t4\n' | gzip -n >"$corpus/packed"
    ;;
  dicom_zip)
    archive images "$shared/suites/dicom/dicomdirtests" 77654033/CR1/6154 98892001/CT2N/6293 DICOMDIR README.txt
    archive small "$shared/suites/dicom" no_meta.dcm meta_missing_tsyntax.dcm reportsi.dcm image_dfl.dcm
    ;;
  omop)
    printf 'measurement_id,person_id,measurement_concept_id,measurement_datetime,value_as_number\n1,7,100,2011-12-31 08:30:00,1.5\n2,8,"101",,\n----\nconcept_id\tconcept_name\tconcept_code\n100\tPain "x"\tC1\n----\nancestor_concept_id,descendant_concept_id,min_levels_of_separation,max_levels_of_separation\n1,100,1,1\n2,101,0,0\n' >"$corpus/tables"
    folder=$(mktemp -d)
    (cd "$folder" && sed '/^----$/,$d' >measurement.csv && cp measurement.csv person.csv && gzip -n person.csv) <"$corpus/tables"
    archive zipped "$folder" measurement.csv person.csv.gz
    rm -r "$folder"
    ;;
  fhirpath)
    grep -rhoE '"(path|forEach|forEachOrNull)": *"([^"\\]|\\.)*"' "$shared/suites/sql_on_fhir_v2" 2>/dev/null | sed -E 's/^"[^"]*": *"//; s/"$//; s/\\(["\\])/\1/g' | sort -u | while read -r path; do
      printf '%s' "$path" >"$corpus/$(printf '%s' "$path" | sha256sum | cut -c1-16)"
    done
    ;;
  ods)
    table() { printf '<table:table table:name="%s" table:style-name="%s">%s</table:table>' "$1" "$2" "$3"; }
    cell() { printf '<table:table-cell %s>%s</table:table-cell>' "$1" "$2"; }
    row() { printf '<table:table-row %s>%s</table:table-row>' "$1" "$2"; }
    text=$(cell 'office:value-type="string"' '<office:annotation><text:p>n</text:p></office:annotation><text:p>a &amp; b<text:s text:c="2"/>c<text:tab/></text:p><text:p>d&#233;</text:p>')
    number=$(cell 'office:value-type="float" office:value="1.5" table:number-columns-repeated="2"' '<text:p>1,5</text:p>')
    others="$(cell 'office:value-type="date" office:date-value="2011-12-31"' '')$(cell 'office:value-type="time" office:time-value="PT08H30M00S"' '')$(cell 'office:value-type="boolean" office:boolean-value="true"' '')$(cell 'office:value-type="string" office:string-value="" calcext:value-type="error"' '<text:p>#N/A</text:p>')"
    sheet="<table:table-header-rows>$(row '' "$text$number")</table:table-header-rows>$(row 'table:number-rows-repeated="3"' '<table:covered-table-cell table:number-columns-repeated="9"/>')$(row 'table:number-rows-repeated="2"' "$others$text")"
    printf '<?xml version="1.0" encoding="UTF-8"?><office:document-content><office:automatic-styles><style:style style:name="h" style:family="table"><style:table-properties table:display="false"/></style:style></office:automatic-styles><office:body><office:spreadsheet>%s%s</office:spreadsheet></office:body></office:document-content>' "$(table A h "$sheet")" "$(table 'B &lt;' v "$sheet$sheet")" >"$corpus/sheets"
    ;;
esac
chmod -R u+w "$corpus"
