using Insa.Iiot.Tenancy;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>All that an endpoint asks of its caller, put together once when the endpoint is built.</summary>
internal sealed class GuardPlan
{
    private GuardPlan(IReadOnlyList<Guard> guards)
    {
        NeedsUser = guards.Any(guard => guard.Kind == GuardKind.User);
        NeedsOperator = guards.Any(guard => guard.Kind == GuardKind.Operator);
        NeedsTenant = guards.Any(guard => guard.Kind >= GuardKind.Tenant);
        PermissionNames = [.. guards.Where(guard => guard.Kind == GuardKind.Permission).Select(guard => guard.Name).Distinct()];
        Permissions = PermissionSet.Of(PermissionNames);
        Features = [.. guards.Where(guard => guard.Kind == GuardKind.Feature).Select(guard => guard.Name).Distinct()];
        Quotas = [.. guards.Where(guard => guard.Kind == GuardKind.Quota)];
    }

    public bool NeedsUser { get; }

    public bool NeedsOperator { get; }

    public bool NeedsTenant { get; }

    public PermissionSet Permissions { get; }

    public string[] PermissionNames { get; }

    public string[] Features { get; }

    public Guard[] Quotas { get; }

    public static GuardPlan Of(IEnumerable<object> metadata) => new([.. metadata.OfType<Guard>()]);
}
