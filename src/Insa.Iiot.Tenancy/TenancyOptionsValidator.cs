using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

internal sealed class TenancyOptionsValidator : IValidateOptions<TenancyOptions>
{
    private const int LeastIterations = 600_000;
    private const int MostIterations = 10_000_000;

    public ValidateOptionsResult Validate(string? name, TenancyOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (!options.Plans.ContainsKey(options.DefaultPlan))
            result.AddError($"'{options.DefaultPlan}' is none of the plans.", nameof(options.DefaultPlan));
        foreach (var (plan, value) in options.Plans)
        {
            foreach (var (counter, limit) in value.Limits.Where(limit => limit.Value < 0))
                result.AddError($"{plan} limits {counter} to {limit}, which is less than none.", nameof(options.Plans));
            foreach (var feature in value.Features.Where(feature => !options.Features.ContainsKey(feature)))
                result.AddError($"{plan} has '{feature}', which is none of the features.", nameof(options.Plans));
            foreach (var (rate, text) in value.Rates.Where(rate => !RateLimit.TryParse(rate.Value, out _)))
                result.AddError($"{plan} has the rate {rate} of '{text}', which is not like '1000:1,20000:60'.", nameof(options.Plans));
        }

        Check(options.InvitationLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(7), nameof(options.InvitationLifetime));
        Check(options.LockoutDuration, TimeSpan.FromMinutes(1), TimeSpan.FromDays(1), nameof(options.LockoutDuration));
        Check(options.SessionLifetime, TimeSpan.FromHours(1), TimeSpan.FromDays(366), nameof(options.SessionLifetime));
        Check(options.SessionIdleLifetime, TimeSpan.FromMinutes(30), TimeSpan.FromDays(366), nameof(options.SessionIdleLifetime));
        Check(options.MaxWrongPasswords, 3, 100, nameof(options.MaxWrongPasswords));
        Check(options.PasswordIterations, LeastIterations, MostIterations, nameof(options.PasswordIterations));
        Check(options.SnapshotLifetime, TimeSpan.Zero, TimeSpan.FromMinutes(1), nameof(options.SnapshotLifetime));
        Check(options.UsageFlushInterval, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), nameof(options.UsageFlushInterval));
        Check(options.OffboardingDelay, TimeSpan.Zero, TimeSpan.FromDays(365), nameof(options.OffboardingDelay));
        return result.Build();

        void Check<T>(T value, T least, T most, string property)
            where T : IComparable<T>
        {
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
                result.AddError($"must be from {least} to {most}, not {value}.", property);
        }
    }
}
