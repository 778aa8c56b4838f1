using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy;

internal sealed class AuditOptionsValidator : IValidateOptions<AuditOptions>
{
    private const int MaxInterval = 65_536;

    public ValidateOptionsResult Validate(string? name, AuditOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (options.CheckpointInterval is < 1 or > MaxInterval)
            result.AddError($"must be 1 to {MaxInterval}, not {options.CheckpointInterval}.", nameof(options.CheckpointInterval));
        return result.Build();
    }
}
