namespace Insa.Iiot.LoadTest.Copy;

/// <summary>The medians of a case's runs, per point.</summary>
internal sealed record CopySummary(
    string Case,
    string Description,
    int MetricsPerMessage,
    int Runs,
    double PointsPerSecond,
    double LeastPointsPerSecond,
    double MostPointsPerSecond,
    double? Ratio,
    double ServerCpuMicroseconds,
    double ClientCpuMicroseconds,
    double DiskBytes,
    double WalBytes
)
{
    /// <param name="runs">Of a sustained case the first slice is left out.</param>
    /// <param name="limit">Points a second of the case that is the limit.</param>
    public static CopySummary Of(CopyCase known, IReadOnlyList<CopyRun> runs, double? limit)
    {
        var rate = Median(runs, run => run.PointsPerSecond);
        return new CopySummary(
            known.Name,
            known.Description,
            known.MetricsPerMessage,
            runs.Count,
            rate,
            runs.Min(run => run.PointsPerSecond),
            runs.Max(run => run.PointsPerSecond),
            rate / limit,
            Median(runs, run => run.ServerCpuSeconds * 1e6 / run.Points),
            Median(runs, run => run.ClientCpuSeconds * 1e6 / run.Points),
            runs[^1].DiskBytes,
            Median(runs, run => run.WalBytes / run.Points)
        );
    }

    public static double Median(IEnumerable<CopyRun> runs, Func<CopyRun, double> value)
    {
        var sorted = runs.Select(value).Order().ToList();
        var middle = (sorted.Count - 1) / 2;
        return (sorted[middle] + sorted[sorted.Count - 1 - middle]) / 2;
    }
}
