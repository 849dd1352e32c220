# Writes the three cohorts that Debian ships as R data sets to CSV, unchanged.
#
#   apt-get install -y --no-install-recommends r-base-core r-cran-survival r-cran-th.data
#   Rscript sample_data/export.R
#
# Nothing is recoded here: recoding is what the mappings are for.

script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
setwd(dirname(normalizePath(script)))

data(cancer, package = "survival")           # holds rotterdam and gbsg
data(GBSG2, package = "TH.data")

save_csv <- function(frame, path) {
  dir.create(dirname(path), showWarnings = FALSE)
  write.csv(frame, path, row.names = FALSE)
  cat(sprintf("%-26s %5d rows %3d columns\n", path, nrow(frame), ncol(frame)))
}

save_csv(rotterdam, "rotterdam/rotterdam.csv")
save_csv(gbsg, "gbsg/gbsg.csv")
# GBSG2 has no patient number: the number of the row stands in for it.
save_csv(cbind(id = seq_len(nrow(GBSG2)), GBSG2), "gbsg2/GBSG2.csv")
