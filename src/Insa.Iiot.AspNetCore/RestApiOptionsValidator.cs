using Insa.Iiot.Tenancy;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.AspNetCore;

internal sealed class RestApiOptionsValidator : IValidateOptions<RestApiOptions>
{
    public ValidateOptionsResult Validate(string? name, RestApiOptions options)
    {
        var result = new ValidateOptionsResultBuilder();
        if (string.IsNullOrWhiteSpace(options.Issuer))
            result.AddError("is missing: name who issues the tokens.", nameof(options.Issuer));
        if (string.IsNullOrWhiteSpace(options.Audience))
            result.AddError("is missing: name whom the tokens are for.", nameof(options.Audience));
        Check(options.AccessTokenLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), nameof(options.AccessTokenLifetime));
        Check(options.SigningKeyLifetime, TimeSpan.FromDays(1), TimeSpan.FromDays(366), nameof(options.SigningKeyLifetime));
        CheckRate(options.SignInRate, nameof(options.SignInRate));
        CheckRate(options.CallerRate, nameof(options.CallerRate));
        CheckRate(options.TenantRate, nameof(options.TenantRate));
        CheckRate(options.InvitationRate, nameof(options.InvitationRate));
        foreach (var issuer in options.ExternalIssuers)
        {
            var isUri = Uri.TryCreate(issuer.Authority, UriKind.Absolute, out var authority);
            if (!isUri || !(authority!.Scheme == Uri.UriSchemeHttps || (issuer.AllowHttp && authority.Scheme == Uri.UriSchemeHttp)))
                result.AddError($"'{issuer.Authority}' is no https address.", nameof(options.ExternalIssuers));
            if (string.IsNullOrWhiteSpace(issuer.Audience))
                result.AddError($"The audience of '{issuer.Authority}' is missing.", nameof(options.ExternalIssuers));
        }

        return result.Build();

        void CheckRate(string rate, string property)
        {
            if (!RateLimit.TryParse(rate, out _))
                result.AddError($"is '{rate}': write units:seconds, such as 100:1,3000:60.", property);
        }

        void Check(TimeSpan value, TimeSpan least, TimeSpan most, string property)
        {
            if (value < least || value > most)
                result.AddError($"must be from {least} to {most}, not {value}.", property);
        }
    }
}
