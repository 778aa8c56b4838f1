using Microsoft.Extensions.Options;

namespace Insa.Iiot.Commands;

internal sealed class CommandOptionsValidator : IValidateOptions<CommandOptions>
{
    public ValidateOptionsResult Validate(string? name, CommandOptions options) =>
        options.PollInterval < TimeSpan.FromMilliseconds(100) || options.PollInterval > TimeSpan.FromMinutes(1)
            ? ValidateOptionsResult.Fail($"{nameof(CommandOptions.PollInterval)} is 100 ms to 1 min.")
            : ValidateOptionsResult.Success;
}
