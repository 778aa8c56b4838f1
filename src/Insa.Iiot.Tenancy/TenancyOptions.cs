namespace Insa.Iiot.Tenancy;

/// <summary>Plans and rules of tenancy. Checked when the host starts.</summary>
public sealed class TenancyOptions
{
    /// <summary>
    /// The plans by name. Default: <c>starter</c> (10 devices, 5 users, 10 open invitations, 10 roles), <c>professional</c> (100, 20, 50 and 50), both
    /// without sub-tenants, and <c>enterprise</c> (1,000 open invitations and 500 roles, and no other limit). Every sub-tenant has its parent's limits once more: a plan whose tenants may make some gives that much more.
    /// Change them as you like; a tenant's bounds are those of its plan when the tenant was last changed.
    /// </summary>
    public IDictionary<string, TenantPlan> Plans { get; } =
        new Dictionary<string, TenantPlan>(StringComparer.Ordinal)
        {
            ["starter"] = new()
            {
                Limits =
                {
                    [TenantCounters.Devices] = 10,
                    [TenantCounters.Users] = 5,
                    [TenantCounters.Invitations] = 10,
                    [TenantCounters.Roles] = 10,
                    [TenantCounters.Children] = 0,
                },
            },
            ["professional"] = new()
            {
                Limits =
                {
                    [TenantCounters.Devices] = 100,
                    [TenantCounters.Users] = 20,
                    [TenantCounters.Invitations] = 50,
                    [TenantCounters.Roles] = 50,
                    [TenantCounters.Children] = 0,
                },
            },
            ["enterprise"] = new() { Limits = { [TenantCounters.Invitations] = 1000, [TenantCounters.Roles] = 500 } },
        };

    /// <summary>
    /// The features there are, by name, with what each gives. Plans and tenants switch them. A feature <c>ml.anomaly</c> is a child of <c>ml</c>:
    /// it is on only where its parent is on too. Empty by default.
    /// </summary>
    public IDictionary<string, string> Features { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The plan of a tenant that is made without one. Default <c>starter</c>.</summary>
    public string DefaultPlan { get; set; } = "starter";

    /// <summary>How long an invitation can be accepted. Default 72 hours; 1 minute to 7 days.</summary>
    public TimeSpan InvitationLifetime { get; set; } = TimeSpan.FromHours(72);

    /// <summary>How many wrong passwords in a row lock an account. Default 5; 3 to 100.</summary>
    public int MaxWrongPasswords { get; set; } = 5;

    /// <summary>How long an account stays locked. Default 15 minutes; 1 minute to 1 day.</summary>
    public TimeSpan LockoutDuration { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a session can be refreshed after the sign-in. Default 30 days; 1 hour to 1 year.</summary>
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long a session can be refreshed after the last time. Default 7 days; 30 minutes to 1 year.</summary>
    public TimeSpan SessionIdleLifetime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// How long a host may go on with what it knows of a tenant and of what somebody may do there. What is changed by way of the host itself it
    /// knows at once; what another host changed, after this time at the latest. Default 1 second; 0 (always ask the store) to 1 minute.
    /// </summary>
    /// <remarks>
    /// Messages are not held up by the store: those of a tenant that has been quiet for longer go by what was known until it has been read again.
    /// </remarks>
    public TimeSpan SnapshotLifetime { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Rounds of PBKDF2 with SHA-256. Default 600,000 (OWASP Password Storage); 600,000 to 10,000,000.</summary>
    public int PasswordIterations { get; set; } = 600_000;

    /// <summary>How long the data of a tenant that leaves is kept before it is deleted. Default 30 days; 0 to 365 days. Of a tenant that leaves already it stays as it was.</summary>
    public TimeSpan OffboardingDelay { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often a host writes what was used into the <see cref="UsageLedger"/>. Default 5 minutes; 10 seconds to 1 hour.</summary>
    public TimeSpan UsageFlushInterval { get; set; } = TimeSpan.FromMinutes(5);
}
