namespace Insa.Iiot.Tenancy;

/// <summary>Is told, on one host, when a limit comes to four fifths: once for each limit and month. To tell the tenant's people.</summary>
public interface IUsageWarningObserver
{
    /// <summary>Called in the background after the warning was stored. What it throws is logged, and not tried again.</summary>
    ValueTask OnWarningAsync(UsageWarning warning, CancellationToken cancellationToken);
}
